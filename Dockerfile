# Facade, streams and command in one small image: `strangler VERB …`.
FROM node:24.21.0-bookworm-slim AS modules
WORKDIR /app
COPY . .
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspace @strangler/cli

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
COPY package.json strangler.config.ts ./
USER node
ENTRYPOINT ["node", "cli/bin/strangler.js"]
CMD ["help"]
