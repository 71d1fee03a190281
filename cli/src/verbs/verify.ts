import { verifyTables } from '@strangler/cdc';
import { recordEvent } from '@strangler/ledger';
import { openDatabase } from '@strangler/playbook';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

export const verify = {
  name: 'verify',
  takes: 'EXTRACTION',
  summary: 'compare every row of both sides, under load',
  options: {},
  run: async (invocation) => {
    const { config, extraction } = await target(invocation);
    const { actor, signal, progress } = invocation;
    const found = await verifyTables({
      config,
      extraction,
      signal,
      onProgress: (each) => progress(`${each.table}: ${each.rows} rows compared`),
    });
    await using home = await openDatabase(config, extraction, 'monolith', 'operator', 'verify');
    await recordEvent(home.sql, {
      extraction: extraction.name,
      actor,
      what: 'verify',
      detail: {
        verdict: found.verdict,
        tables: found.tables.map(({ table, rows, differences }) => ({
          table,
          rows,
          differences: differences.length,
        })),
      },
    });
    return {
      ok: found.verdict === 'equal',
      result: found,
      text: [
        ...found.tables.map(
          ({ table, rows, differences, indeterminate }) =>
            `${table}: ${rows} rows, ${differences.length} differences${indeterminate > 0 ? `, ${indeterminate} kept moving` : ''}`,
        ),
        ...found.tables.flatMap(({ table, differences }) =>
          differences.slice(0, 20).map((each) => `  ${table} ${JSON.stringify(each)}`),
        ),
        ...found.orphans.map((orphan) => `  orphans: ${JSON.stringify(orphan)}`),
        `verdict: ${found.verdict}`,
      ],
      nextSteps: found.verdict === 'equal' ? [`strangler parity ${extraction.name}`] : [],
    };
  },
} as const satisfies Verb;
