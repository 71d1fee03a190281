/**
 * Which of the columns an expression may read: those that it names, quoted or bare, anywhere. Errs on the side of yes,
 * since a word in a string or a function's name counts too.
 */
export function columnsIn(expression: string, columns: readonly string[]): string[] {
  const quoted = new Set(
    [...expression.matchAll(/"((?:[^"]|"")+)"/g)].map(([, name]) => (name ?? '').replaceAll('""', '"')),
  );
  const bare = new Set(
    [...expression.matchAll(/[\p{L}_][\p{L}\p{N}_$]*/gu)].map(([word]) => word.toLowerCase()),
  );
  return columns.filter((column) => quoted.has(column) || bare.has(column));
}
