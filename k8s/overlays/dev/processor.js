// A processor to start from: see "Write a processor" in README.md.
export default function process(document, context) {
  context.log.info("Processing", { status: document.status });
  return { set: { seen_by: "dev" } };
}
