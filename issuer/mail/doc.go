// Package mail brings notices to people over SMTP (RFC 5321): the second channel of
// production.
//
// It owns the message that a notice becomes and when it is tried again. Which notices
// there are, their words and their addresses are package ra's; what is still to be
// delivered rests beside them, in the same transaction that made the notice.
//
// A notice is delivered at least once: a process that dies between the server's yes and
// the record of it sends the same Message-ID again. One that no server took within five
// days (RFC 5321, section 4.5.4.1) is given up and counted for the operator.
//
// # Trust
//
// The next mail server is trusted with the address and the words, and proves itself by
// its certificate: there is no delivery without TLS (STARTTLS, RFC 3207). The words name
// no person, hold no link, and ask for nothing: whoever reads a mail on its way learns
// that some phone was stopped.
package mail
