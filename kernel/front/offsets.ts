// Jupyter counts characters (code points), JavaScript UTF-16 units: they differ behind an astral character.

export function charactersToOffset(text: string, characters: number): number {
  return Array.from(text).slice(0, Math.max(0, characters)).join("").length;
}

export function offsetToCharacters(text: string, offset: number): number {
  return Array.from(text.slice(0, offset)).length;
}
