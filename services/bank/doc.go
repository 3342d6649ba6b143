// Package bank is a bank at which one opens an account with the phone: the application is
// signed, checked again, reviewed, and kept with its record of who the customer is.
//
// It owns its customers' applications, records of identity (確認記録) and accounts, its
// pages and its words. A Store keeps them.
//
// # Trust
//
// It is an honest outsider. It knows a provider by OpenID Connect (package relying) and a
// verifier by POST /v1/verify, and believes a person's name and address from these alone:
// nobody types them. A customer is the pairwise sub, which stays over renewals and new
// phones; two people of one name are two, and one person with a new certificate is one.
// No PIN, no serial number and no 個人番号 comes here.
package bank
