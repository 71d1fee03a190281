# Facade, streams and command in one image: `strangler VERB ...`. Built from the repository's root: the lockfile is there.
FROM node:24.21.0-bookworm-slim AS modules
WORKDIR /app
COPY . .
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --workspace @strangler/cli

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY errors errors
COPY postgres postgres
COPY config config
COPY migrations migrations
COPY ledger ledger
COPY cdc cdc
COPY facade facade
COPY parity parity
COPY playbook playbook
COPY cli cli
# For the services of Compose that stand in for a DBA.
COPY compose compose
COPY legacy-monolith/roles.sql legacy-monolith/
COPY extracted/orders/roles.sql extracted/orders/
COPY package.json strangler.config.ts ./
USER node
ENTRYPOINT ["node", "cli/bin/strangler.js"]
CMD ["help"]
