FROM node:22-slim AS build
WORKDIR /trivet
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
RUN npm ci --ignore-scripts
COPY bin bin
COPY src src
COPY adapters adapters
COPY mappings mappings
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /trivet
COPY --from=build /trivet/package.json ./
COPY --from=build /trivet/node_modules node_modules
COPY --from=build /trivet/bin bin
COPY --from=build /trivet/dist dist
COPY mappings mappings
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
ENV TRIVET_DATA=/data
EXPOSE 8080/tcp 5683/udp 7547/tcp 8085/tcp 8090/tcp
HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "-e", "fetch('http://127.0.0.1:8090/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/trivet.js"]
CMD ["start"]
