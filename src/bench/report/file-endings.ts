/** Files are of the kind that their names end with. */

/** Which of `endings` the name of `path` has; null for none. Case does not matter. */
export function endingOf(path: string, endings: string[]): string | null {
  return endings.find((ending) => path.toLowerCase().endsWith(ending)) ?? null;
}
