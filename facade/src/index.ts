export { type Decision, decide, type Forward, type Question, type Reason } from './decide/decide.ts';
export { hasApplied, isHeld, lagOf, type Token, type View } from './decide/view.ts';
export { createMatch, type Match, type MatchedRoute, routesOf } from './match/routes.ts';
export { type Facade, type FacadeOptions, serveFacade } from './serve.ts';
