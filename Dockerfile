# docker build -t tillkey .
# docker run -e DATABASE_URL=... -e TILLKEY_SECRET=... -p 3000:3000 tillkey [all | web | worker | migrate]
FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production

# No scripts and no optional packages: they only bring the embedded PostgreSQL, and a container is given DATABASE_URL.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

# TypeScript runs as it is: nothing is built.
COPY LICENSE ./
COPY migrations migrations
COPY src src

# Without TILLKEY_SECRET the generated one stands here, and mails without SMTP_URL: then keep it on a volume.
ENV TILLKEY_DATA_DIR=/var/lib/tillkey
RUN install -d -o node -g node -m 700 "$TILLKEY_DATA_DIR"
USER node

EXPOSE 3000
# The worker has no HTTP side: run it with --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "src/main.ts"]
CMD ["all"]
