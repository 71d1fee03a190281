import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from './define.ts';
import { parseConfig } from './parse.ts';

/** As much of a JSON schema as says which keys there are. */
interface Shape {
  properties?: Record<string, Shape> | undefined;
  required?: string[] | undefined;
  additionalProperties?: Shape | boolean | undefined;
  items?: Shape | undefined;
  anyOf?: Shape[] | undefined;
}
const shape: z.ZodType<Shape> = z.lazy(() =>
  z.object({
    properties: z.record(z.string(), shape).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([z.boolean(), shape]).optional(),
    items: shape.optional(),
    anyOf: z.array(shape).optional(),
  }),
);

/** Every key of the schema as a path, `NAME` for the names that a team gives, with `*` if it must be there. */
function keysOf(at: string, { properties, required, additionalProperties, items, anyOf }: Shape): string[] {
  const below = [
    ...Object.entries(properties ?? {}).flatMap(([key, each]) => {
      const path = at === '' ? key : `${at}.${key}`;
      return [`${path}${required?.includes(key) ? '*' : ''}`, ...keysOf(path, each)];
    }),
    ...(typeof additionalProperties === 'object' ? keysOf(`${at}.NAME`, additionalProperties) : []),
    ...(items ? keysOf(`${at}[]`, items) : []),
    ...(anyOf ?? []).flatMap((each) => keysOf(at, each)),
  ];
  return [...new Set(below)];
}

const rows = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^\| `/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));

it('docs/config.md documents exactly the keys of the schema, and which of them must be there', () => {
  const documented = rows.map(([, key, , preset]) => `${key}${preset === 'required' ? '*' : ''}`);
  const keys = keysOf('', shape.parse(z.toJSONSchema(configSchema, { io: 'input' })));
  expect(keys.length).toBeGreaterThan(40);
  expect(documented.toSorted()).toEqual(keys.toSorted());
});

it('docs/config.md has the defaults of the limits', () => {
  const documented = rows.flatMap(([, key, type, preset]) => {
    const name = /^extractions\.NAME\.limits\.(\w+)$/.exec(key ?? '')?.[1];
    return name === undefined ? [] : [[name, type === 'number' ? Number(preset) : preset]];
  });
  const limitsWith = (limits: object) => {
    const service = { url: 'http://x', database: 'postgresql://x/x' };
    const input = {
      environment: 'x',
      monolith: service,
      extractions: { x: { service, tables: {}, ...limits } },
    };
    return parseConfig(input, 'x.ts').extractions[0]?.limits;
  };
  expect(documented).toHaveLength(8);
  expect(limitsWith({ limits: Object.fromEntries(documented) })).toEqual(limitsWith({}));
});
