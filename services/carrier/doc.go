// Package carrier is a mobile carrier at which one takes out a line with the phone: the
// contract is signed, checked again, recorded, and its eSIM is bound to the key that signed.
//
// It owns its lines with their records of identity (本人確認記録), the eSIM profiles, the
// changes of a SIM that wait for a day, the messages to lines, the addresses for notices, its
// pages and its words. A Store keeps them. How mail travels is left to whoever reads the
// outbox.
//
// # Trust
//
// It is an honest outsider. It knows a provider and a verifier by OpenID Connect (package
// relying), and believes a person's name, address and birth date from these alone: nobody
// types them. A customer is the pairwise sub. No PIN, no serial number and no 個人番号 comes
// here, and no picture or sight of a card or a phone counts for anything (INV-14).
//
// A signature alone never moves a number: whoever holds the old SIM, and whoever reads the
// mail, is told and has a day to stop it. Both can only stop, never start.
package carrier
