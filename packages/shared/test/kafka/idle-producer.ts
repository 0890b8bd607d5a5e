// Run by idle-producer.int.test.ts as a process of its own: publishes, then says which of Node's resources are still
// active while producer and admin are idle. A timer among them would fire again and again.
import { bothAdapters } from './both-adapters.ts';

const [client, brokers = '', topic = ''] = process.argv.slice(2);
const port = bothAdapters.find((one) => one.client === client)?.open({ brokers: brokers.split(',') });
if (port === undefined) throw new Error(`there is no client ${client}`);
const producer = port.createProducer();
const admin = port.createAdmin();
const { failures } = await producer.publish([
  { topic, key: Buffer.from('k'), value: Buffer.from('1'), timestampMs: Date.now(), recordId: 'r', sourceId: 's' },
]);
const ends = await admin.endOffsets(topic);
const active = process.getActiveResourcesInfo();
process.stdout.write(JSON.stringify({ failures: failures.length, ends: ends?.length, active }));
await producer.close();
await admin.close();
