import { flagName } from '@strangler/config';
import { steps } from '@strangler/playbook';
import { qualified } from '@strangler/postgres';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

export const plan = {
  name: 'plan',
  takes: 'EXTRACTION',
  summary: 'what the config means: routes, tables, mappings, the steps of the switch',
  options: {},
  run: async (invocation) => {
    const { extraction } = await target(invocation);
    const routes = extraction.routes.map(({ name, method, path, kind }) => ({
      name,
      method,
      path,
      kind,
      ...(kind === 'read' ? { flag: flagName(extraction.name, name) } : {}),
    }));
    const tables = extraction.tables.map(({ monolith, service, columns }) => ({
      monolith: qualified(monolith),
      service: qualified(service),
      columns,
    }));
    const writes = steps.map((step) => ({
      name: step.name,
      does: step.describe('service', extraction.limits),
      undone: step.undo !== null,
    }));
    const text = [
      'routes',
      ...routes.map(
        (route) =>
          `  ${route.method} ${route.path}  ${route.kind}${route.kind === 'read' ? `, flag ${route.flag}` : ', goes to the owner'}`,
      ),
      ...extraction.readers.map(
        (route) => `  ${route.method} ${route.path}  stays, shows the tables (late: ${route.late})`,
      ),
      'tables',
      ...tables.flatMap((table) => [
        `  ${table.monolith} → ${table.service}`,
        ...table.columns.map(
          (c) =>
            `    ${c.column} ${c.omit ? 'stays behind' : `→ ${c.to}${c.from ? `  from ${c.from}` : ''}${c.back ? `  back ${c.back}` : ''}`}`,
        ),
      ]),
      'switch --writes (reverse is the same with the sides swapped)',
      ...writes.map(
        (step) => `  ${step.name}: ${step.does}${step.undone ? '' : '  (no way back but a reverse)'}`,
      ),
    ];
    return {
      ok: true,
      result: { routes, readers: extraction.readers, tables, switch: writes },
      text,
      nextSteps: [`strangler doctor ${extraction.name}`],
    };
  },
} as const satisfies Verb;
