export { migrateShop } from './schema.ts';
export { type SeedSize, seedShop } from './seed/seed-shop.ts';
export { readShopSettings, type ShopSettings } from './settings.ts';
export { type Shop, startShop } from './shop.ts';
