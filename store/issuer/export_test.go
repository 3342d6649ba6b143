package issuer

// CheckLedgerIn is CheckLedger on what a transaction sees, so that a test can undo
// what it changed.
var CheckLedgerIn = checkLedger
