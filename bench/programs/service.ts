/**
 * A service for PROCESSOR=http: that does nothing with its documents. It prints its port. A GET answers how many
 * connections have brought documents since the last GET.
 */
const ports = new Set<number>();

const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen() {} },
  async (request, { remoteAddr }) => {
    if (request.method === "GET") {
      const { size } = ports;
      ports.clear();
      return Response.json(size);
    }
    ports.add((remoteAddr as Deno.NetAddr).port);
    const body = await request.json();
    return Array.isArray(body) ? Response.json(body.map(() => ({}))) : new Response();
  },
);
console.log(server.addr.port);
