// receiver is a customer's endpoint for a Go test: it verifies what it is sent by the npm packages that customers use,
// standardwebhooks and svix (of a version that has an implementation of its own), and v1a by OpenSSL. It prints its
// port, answers each request with what each of the three said, and ends with its stdin.
//
//	node receiver.mjs whsec_... whpk_...

import { createPublicKey, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

const [secret, publicKey] = process.argv.slice(2);

const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(publicKey.replace('whpk_', ''), 'base64')]);
const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });

function ed25519(body, headers) {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  for (const one of headers['webhook-signature'].split(' ')) {
    const [version, signature] = one.split(',');
    if (version === 'v1a' && verify(null, Buffer.from(signed), key, Buffer.from(signature, 'base64'))) {
      return;
    }
  }
  throw new Error('no v1a signature is by this key');
}

function said(check) {
  try {
    check();
    return 'ok';
  } catch (error) {
    return String(error.message);
  }
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) {
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces).toString('utf8');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({
    standardwebhooks: said(() => new StandardWebhook(secret).verify(body, request.headers)),
    svix: said(() => new SvixWebhook(secret).verify(body, request.headers)),
    openssl: said(() => ed25519(body, request.headers)),
    agent: request.headers['user-agent'],
  }));
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit(0));
