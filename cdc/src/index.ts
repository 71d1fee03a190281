export * from './catalog/index.ts';
export * from './copy/index.ts';
export * from './plan/index.ts';
