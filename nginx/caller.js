// Who asks, so that a canary of 10% is 10% of the people and not of the requests: the user of the bearer token, else the
// client's address. The token's signature is not looked at: whoever forges one picks a stack, and gets no further.

// Longer ones belong to no user of ours, and would only fill the log.
const LONGEST_ID = 64;

function caller(request) {
    const user = userOf(request.headersIn.Authorization);
    return user === null ? `address:${request.remoteAddress}` : `user:${user}`;
}

function userOf(authorization) {
    // The scheme knows no case (RFC 9110, 11.1).
    const token = /^bearer +[^.]+\.([^.]+)\.[^.]*$/i.exec(authorization || '');
    if (token === null) {
        return null;
    }
    try {
        // One stack may write a number where the other writes a text.
        const id = JSON.parse(Buffer.from(token[1], 'base64url').toString()).user_id;
        const known = Number.isInteger(id) || (typeof id === 'string' && id !== '' && id.length <= LONGEST_ID);
        return known ? String(id) : null;
    } catch (error) {
        return null;
    }
}

export default { caller };
