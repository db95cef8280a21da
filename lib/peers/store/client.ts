// What a store's client can do, whichever server it speaks to.

export interface Client {
  put(key: string, value: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Was there anything? */
  delete(key: string): Promise<boolean>;
  close(): void;
}
