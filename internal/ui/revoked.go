package ui

// Revoked is the name of a reason for a revocation in the words "ui.revoked" of every
// party: one certificate's end is told in the same words wherever it is shown. What has
// no words of its own is "other".
func Revoked(reason int) string {
	switch reason { // RFC 5280, section 5.3.1
	case 1:
		return "keyCompromise"
	case 3:
		return "affiliationChanged"
	case 4:
		return "superseded"
	case 5:
		return "cessationOfOperation"
	}
	return "other"
}
