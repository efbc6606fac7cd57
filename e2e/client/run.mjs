// Walks the scenarios against a gateway that runs, and says of each, as a line of
// JSON, whether all came out as it should:
//   node run.mjs settings.json [part of a name]
import { readFileSync } from 'node:fs'
import browsers from './scenarios/browsers.mjs'
import codes from './scenarios/codes.mjs'
import given from './scenarios/given.mjs'
import proofs from './scenarios/proofs.mjs'
import requests from './scenarios/requests.mjs'
import tokens from './scenarios/tokens.mjs'
import { World } from './world.mjs'

const [settings, only = ''] = process.argv.slice(2)
const world = await new World(JSON.parse(readFileSync(settings, 'utf8'))).open()
for (const [name, walk] of Object.entries({ ...given, ...codes, ...requests, ...browsers, ...proofs, ...tokens })) {
  if (!name.includes(only)) continue
  const report = { name, began: Date.now() }
  try {
    await walk(world)
  } catch (error) {
    report.error = String(error.stack ?? error) + (error.cause ? `\ncause: ${JSON.stringify(error.cause)}` : '')
  } finally {
    for (const partner of Object.values(world.partners)) partner.meddle = null
  }
  console.log(JSON.stringify({ ...report, took: Date.now() - report.began }))
}
world.close()
process.exit() // connections that are kept for more requests hold nobody up
