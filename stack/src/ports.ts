import { assertPortFree, freePort } from '@strangler/cluster';
import { StranglerError } from '@strangler/errors';

/** Each port of the stack: the variable that sets it, its default, and whose it is. */
const known = {
  facade: { variable: 'FACADE_PORT', fallback: 8080, what: 'the facade' },
  facadeAdmin: { variable: 'FACADE_ADMIN_PORT', fallback: 9080, what: "the facade's admin port" },
  monolith: { variable: 'MONOLITH_PORT', fallback: 4000, what: 'the monolith' },
  orders: { variable: 'ORDERS_PORT', fallback: 4101, what: 'the orders service' },
  unleash: { variable: 'UNLEASH_PORT', fallback: 4242, what: 'the flag server' },
  monolithPg: { variable: 'MONOLITH_PG_PORT', fallback: 5433, what: "the monolith's PostgreSQL" },
  servicePg: { variable: 'SERVICE_PG_PORT', fallback: 5434, what: "the services' PostgreSQL" },
  kafka: { variable: 'KAFKA_PORT', fallback: 9092, what: 'Kafka' },
  kafkaController: { variable: 'KAFKA_CONTROLLER_PORT', fallback: 9093, what: "Kafka's controller" },
  connect: { variable: 'CONNECT_PORT', fallback: 8083, what: 'Kafka Connect' },
} as const;

type PortName = keyof typeof known;

/** Only a stack on the grown engine listens there. */
const grownOnly: readonly PortName[] = ['kafka', 'kafkaController', 'connect'];

/** The port of each part, all on 127.0.0.1. */
export type Ports = Record<PortName, number>;

const names = Object.keys(known) as PortName[];

function each(value: (name: PortName) => number): Ports {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Ports;
}

/** The ports that the environment names, else the defaults. @throws StranglerError USAGE */
export function portsFromEnvironment(environment: NodeJS.ProcessEnv): Ports {
  return each((name) => {
    const { variable, fallback } = known[name];
    const text = environment[variable] ?? String(fallback);
    const port = Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new StranglerError(
        'USAGE',
        `${variable} is "${text}".`,
        `Set ${variable} to a port from 1 to 65535.`,
      );
    }
    return port;
  });
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(): Promise<Ports> {
  const found = new Set<number>();
  while (found.size < names.length) found.add(await freePort());
  const list = [...found];
  return each((name) => list[names.indexOf(name)] ?? 0);
}

/** Makes sure that nobody listens on any that the stack will use, before anything starts. @throws StranglerError PORT_TAKEN */
export async function assertPortsFree(ports: Ports, grown: boolean): Promise<void> {
  for (const name of names) {
    if (!grown && grownOnly.includes(name)) continue;
    const { variable, what } = known[name];
    const remedy = `Stop what listens there, or set ${variable} to another port.`;
    await assertPortFree(ports[name], what, remedy);
  }
}
