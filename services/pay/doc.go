// Package pay is cashless payment: a wallet that opens by a signature on the phone, is
// filled from a bank account of the same person, and pays at a shop's till.
//
// It owns wallets with their records of identity (確認記録), the ledger, the mandates that it
// was given by the bank, its pages and its words. A Store keeps them.
//
// # Trust
//
// It is an honest outsider: it knows the provider by OpenID Connect (package relying) and
// the bank by signed letters. Who a person is it believes from the provider alone, and whose
// an account is from the bank's letter alone, compared with the person letter by letter:
// nobody types either. The browser between the wallet and the bank is believed nothing. The
// shop learns whether it was paid, and never by whom. No PIN, serial or 個人番号 comes here.
package pay
