/**
 * Has the driver's BSON take the runtime for what it is: one with Node's Buffer. Imported for this effect alone, before
 * the driver.
 *
 * Deno up to 2.6 marks its Buffer as the one that bundlers bring along for browsers. BSON then reads and writes text as a
 * browser does: in twice the time, and without a byte order mark at the start of a text. Later versions of Deno have no
 * such mark.
 */
delete (globalThis as { Buffer?: { prototype: { _isBuffer?: boolean } } }).Buffer?.prototype._isBuffer;
