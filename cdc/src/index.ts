export * from './catalog/index.ts';
export * from './plan/index.ts';
