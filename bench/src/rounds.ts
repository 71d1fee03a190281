/** Something that is measured once per round: its numbers by name. */
export interface Measured {
  readonly name: string;
  measure(round: number): Promise<Readonly<Record<string, number>>>;
}

/**
 * Measures all in turns, A B C A B C …, and turned round every other time, so that neither the order nor a slow minute
 * of the machine favours one. Returns what each was measured by, a value per round.
 */
export async function inTurns(
  contenders: readonly Measured[],
  rounds: number,
  signal: AbortSignal,
): Promise<{ name: string; measures: { name: string; values: number[] }[] }[]> {
  const values = new Map(contenders.map(({ name }) => [name, new Map<string, number[]>()]));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      signal.throwIfAborted();
      const measures = values.get(contender.name);
      for (const [name, value] of Object.entries(await contender.measure(round)))
        measures?.set(name, [...(measures.get(name) ?? []), value]);
    }
  }
  return [...values].map(([name, measures]) => ({
    name,
    measures: [...measures].map(([measure, all]) => ({ name: measure, values: all })),
  }));
}
