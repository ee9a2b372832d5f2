// Who asks, so that a canary of 10% is 10% of the people and not of the requests: the user of the token, else of the cookie
// that the project names, a token or a session, else the client's address. The token's signature is not looked at: whoever forges one picks a stack, and gets no further.
import crypto from 'crypto';

// Longer ones belong to no user of ours, and would only fill the log.
const LONGEST_ID = 64;
// Of 2^64 hashes no two callers share one; the log has room for them, and nobody signs in with one.
const HASH_LENGTH = 16;

function caller(request) {
    const variables = request.variables;
    const token = tokenOf(request.headersIn.Authorization, variables.caller_scheme);
    // Without a claim the token is opaque.
    const name = token === '' ? '' : variables.caller_claim === '' ? `token:${hashed(token)}` : userOf(token, variables.caller_claim);
    return name || variables.caller_without_token;
}

function byCookie(request) {
    const variables = request.variables;
    const value = cookieOf(request);
    // A token in a cookie is another one each time that it is renewed: its user isn't.
    const user = value === '' || variables.caller_claim === '' ? '' : userOf(value, variables.caller_claim);
    return user || (value === '' ? `address:${variables.remote_addr}` : `session:${hashed(value)}`);
}

// What a repeated request has to carry of its cookies.
function sentCookie(request) {
    const value = cookieOf(request);
    return value === '' ? '' : `${request.variables.caller_cookie}=${value}`;
}

function cookieOf(request) {
    const start = `${request.variables.caller_cookie}=`;
    const found = (request.headersIn.Cookie || '').split(';').map((each) => each.trim()).find((each) => each.startsWith(start));
    return found === undefined ? '' : found.slice(start.length);
}

function tokenOf(authorization, scheme) {
    // The scheme knows no case (RFC 9110, 11.1).
    const parts = /^([^ ]+) +([^ ]+)$/.exec(authorization || '');
    return parts !== null && parts[1].toLowerCase() === scheme.toLowerCase() ? parts[2] : '';
}

function userOf(token, claim) {
    const parts = token.split('.');
    if (parts.length !== 3) {
        return '';
    }
    try {
        // One stack may write a number where the other writes a text.
        const id = JSON.parse(Buffer.from(parts[1], 'base64url').toString())[claim];
        const known = Number.isInteger(id) || (typeof id === 'string' && id !== '' && id.length <= LONGEST_ID);
        return known ? `user:${id}` : '';
    } catch (error) {
        return '';
    }
}

function hashed(secret) {
    return crypto.createHmac('sha256', process.env.CALLER_KEY).update(secret).digest('hex').slice(0, HASH_LENGTH);
}

export default { caller, byCookie, sentCookie };
