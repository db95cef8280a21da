// Why a pipeline is no kernel. It is never thrown at a user: the JavaScript loop runs, and `explain()` tells the reason.

export class Refusal extends Error {}
