// Whether FastAPI is ejected: out of the reads that Django can answer. Its reads are counted over all of nginx's workers when they
// are logged; once half of twenty in a row have failed it is ejected, and once its health check answers again it is let in.

const READS = 20;
const FAILURES = 10;
const FAILED = [500, 502, 503, 504];
// It stays out for so long at least, twice as long each time that it fails again within a minute.
const FIRST_MS = 2000;
const LONGEST_MS = 60000;
const CALM_MS = 60000;
// So many answered probes in a row let it in.
const PROBES = 2;

function ejected() {
    return ngx.shared.fastapi.get('ejected') ? '1' : '';
}

function read(request) {
    // nginx itself had no room for it: FastAPI has enough to do, and didn't fail.
    if (request.variables.is_busy === '1') {
        return '';
    }
    // "502 : 200" where Django was asked after it, nothing where nobody was, 499 where the client has gone.
    const status = parseInt(request.variables.upstream_status, 10);
    if (!status || status === 499) {
        return '';
    }
    const failed = FAILED.includes(status);
    if (!ejected()) {
        count(failed);
    }
    return failed ? 'failed' : 'answered';
}

function count(failed) {
    const health = ngx.shared.fastapi;
    const reads = (health.incr('reads', 1, 0) - 1) % READS + 1;
    if (reads === 1) {
        health.set('failures', 0);
    }
    // One worker alone meets the limit.
    if (failed && health.incr('failures', 1, 0) === FAILURES) {
        eject(reads);
    }
}

function eject(reads) {
    const health = ngx.shared.fastapi;
    const now = Date.now();
    const again = now - (health.get('let_in') || 0) < CALM_MS;
    const times = again ? health.incr('times', 1, 0) : 1;
    const wait = Math.min(FIRST_MS * Math.pow(2, times - 1), LONGEST_MS);
    health.set('times', times);
    health.set('since', now);
    health.set('until', now + wait);
    health.set('probes', 0);
    health.incr('ejections', 1, 0);
    health.set('ejected', 1);
    ngx.log(ngx.ERR, `fastapi is ejected: ${FAILURES} of ${reads} reads failed; out for ${wait / 1000} s at least`);
}

async function probe(session) {
    const health = ngx.shared.fastapi;
    if (!ejected()) {
        return;
    }
    if (!await answers(session.variables.fastapi_health)) {
        health.set('probes', 0);
        return;
    }
    if (health.incr('probes', 1, 0) < PROBES || Date.now() < health.get('until')) {
        return;
    }
    // What failed before is no part of what comes.
    health.set('reads', 0);
    health.set('let_in', Date.now());
    health.set('ejected', 0);
    ngx.log(ngx.ERR, `fastapi is let in after ${(Date.now() - health.get('since')) / 1000} s`);
}

async function answers(url) {
    try {
        // A service may refuse the Host header that this has; what is unwell says 503, or nothing.
        return (await ngx.fetch(url)).status < 500;
    } catch (error) {
        return false;
    }
}

function state(request) {
    const health = ngx.shared.fastapi;
    const since = health.get('since');
    request.headersOut['Content-Type'] = 'application/json';
    request.return(200, JSON.stringify({
        ejected: ejected() === '1',
        since: since ? new Date(since).toISOString() : null,
        ejections: health.get('ejections') || 0,
    }) + '\n');
}

export default { ejected, read, probe, state };
