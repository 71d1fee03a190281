import type { Epoch } from '@strangler/ledger';
import type { Forward } from '../decide/decide.ts';
import type { TokenCookie } from '../tokens/cookie.ts';
import { later, type Obligation } from '../tokens/token.ts';
import { knownId, type Visit } from '../visit.ts';
import { sendAnswer, sendFailure } from './answer.ts';
import type { Upstream } from './upstream.ts';
import { writeMarkHeader } from './write-mark.ts';

/**
 * Passes a write on to the owner, and keeps its answer until the facade knows what the client is owed for it: whatever
 * it answers, and also if the answer is lost, the write may have happened.
 */
export function passWrite(options: {
  readonly visit: Visit;
  readonly decision: Forward;
  /** The owner's term as of the decision. */
  readonly term: Epoch;
  readonly upstream: Upstream;
  readonly tokenCookie: TokenCookie;
  readonly closing: () => boolean;
}): void {
  const { visit, decision, upstream, closing } = options;
  const { request, response, desk } = visit;
  const { target, reason } = decision;
  const end = once(() => desk.endWrite());
  let answered = false;
  const afterwards = async () => {
    const cookies = await oblige(options);
    return { target, reason, cookies, closing: closing() };
  };
  desk.beginWrite();
  request.headers[writeMarkHeader] = desk.mark.make(Date.now());
  response.once('close', () => {
    end();
    if (!answered) void oblige(options);
  });
  upstream.pass(request, response, {
    answered: (answer) => {
      answered = true;
      answer.once('end', end);
      void afterwards().then((added) => {
        if (!response.destroyed) sendAnswer(answer, response, added);
      });
    },
    failed: (error) => {
      if (answered) return;
      answered = true;
      void afterwards().then((added) => sendFailure(response, error, added));
    },
  });
}

/** Notes what the client is owed, in memory and for its cookie. Returns the cookies that its answer sets. */
async function oblige(options: {
  visit: Visit;
  decision: Forward;
  term: Epoch;
  tokenCookie: TokenCookie;
}): Promise<readonly string[]> {
  const { visit, decision, term, tokenCookie } = options;
  const { desk, client } = visit;
  const obligation = await desk.obligation(decision.target, term);
  desk.memory.note(knownId(client), obligation);
  const owed = new Map<string, Obligation>(visit.owedByCookie);
  const { name } = desk.extraction;
  owed.set(name, later(owed.get(name), obligation) ?? obligation);
  return [...client.cookies, tokenCookie.seal(owed)];
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}
