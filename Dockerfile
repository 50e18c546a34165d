# The agent as an image: no shell, no root, nothing to write but /tmp/health.
#
#   docker build -t pulling-agent .                    on distroless, the default
#   docker build -t pulling-agent --target scratch .   on nothing: the executable and the libraries it needs
#
# Build arguments: BUILDER and BASE, other images to build in and on (a mirror, a digest); COMMIT, as git is not seen in
# here. `make image` builds the same where nothing can be pulled (docs/image.md).
ARG BUILDER=docker.io/library/debian:bookworm-slim
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILDER} AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl unzip
WORKDIR /src
COPY . .
ARG COMMIT=unknown
RUN sh scripts/build.sh && sh scripts/image_root.sh dist/pulling-agent /image
# What `make image` puts here instead of this stage is a folder with the same content.
FROM scratch AS content
COPY --from=build /image/ /

FROM scratch AS scratch
COPY --from=content /root/ /
COPY --from=content --chown=65532:65532 /tmp/ /tmp/
COPY --from=content /bin/ /usr/local/bin/
ENV PATH=/usr/local/bin
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/pulling-agent"]
ARG COMMIT=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="pulling-agent" \
  org.opencontainers.image.description="Pulls pending documents out of a MongoDB collection and processes them" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${COMMIT}"

FROM ${BASE} AS distroless
COPY --from=content --chown=65532:65532 /tmp/ /tmp/
COPY --from=content /bin/ /usr/local/bin/
WORKDIR /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/pulling-agent"]
ARG BASE
ARG COMMIT=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="pulling-agent" \
  org.opencontainers.image.description="Pulls pending documents out of a MongoDB collection and processes them" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${COMMIT}" \
  org.opencontainers.image.base.name="${BASE}"
