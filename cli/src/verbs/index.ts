import type { Verb } from '../verb.ts';
import { cancel } from './cancel.ts';
import { doctor } from './doctor.ts';
import { home } from './home.ts';
import { parity } from './parity.ts';
import { plan } from './plan.ts';
import { serve } from './serve.ts';
import { setup } from './setup.ts';
import { status } from './status.ts';
import { reverse, switchVerb } from './switch.ts';
import { sync } from './sync.ts';
import { tail } from './tail.ts';
import { verify } from './verify.ts';

/** In the order in which an operator meets them. */
export const verbs: readonly Verb[] = [
  setup,
  doctor,
  plan,
  sync,
  status,
  tail,
  verify,
  parity,
  switchVerb,
  reverse,
  home,
  cancel,
  serve,
];
