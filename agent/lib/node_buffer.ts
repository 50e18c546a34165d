/**
 * Makes the driver's BSON notice that the runtime has Node's Buffer. Imported only for this effect, before the driver.
 *
 * Deno up to 2.6 marks its Buffer like the one that bundlers bring for browsers. Then BSON reads and writes text as in
 * a browser: it takes twice the time, and drops a byte order mark at the start of a text. Later versions of Deno have
 * no such mark.
 */
delete (globalThis as { Buffer?: { prototype: { _isBuffer?: boolean } } }).Buffer?.prototype._isBuffer;
