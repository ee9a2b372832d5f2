// Who asks, so that a canary of 10% is 10% of the people and not of the requests: the user of the token, else the session's
// cookie where the project has one, else the client's address. The token's signature is not looked at: whoever forges one picks a stack, and gets no further.

// Longer ones belong to no user of ours, and would only fill the log.
const LONGEST_ID = 64;

function caller(request) {
    const variables = request.variables;
    const user = userOf(request.headersIn.Authorization, variables.caller_scheme, variables.caller_claim);
    return user === null ? variables.caller_without_token : `user:${user}`;
}

function userOf(authorization, scheme, claim) {
    // The scheme knows no case (RFC 9110, 11.1).
    const token = /^([^ ]+) +[^.]+\.([^.]+)\.[^.]*$/.exec(authorization || '');
    if (token === null || token[1].toLowerCase() !== scheme.toLowerCase()) {
        return null;
    }
    try {
        // One stack may write a number where the other writes a text.
        const id = JSON.parse(Buffer.from(token[2], 'base64url').toString())[claim];
        const known = Number.isInteger(id) || (typeof id === 'string' && id !== '' && id.length <= LONGEST_ID);
        return known ? String(id) : null;
    } catch (error) {
        return null;
    }
}

export default { caller };
