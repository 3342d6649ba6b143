package ra

// NoticeKind says what a notice is about.
type NoticeKind string

// What the second channel tells.
const (
	NoticeApplied      NoticeKind = "applied"       // somebody applied with your card
	NoticeRegistered   NoticeKind = "registered"    // the receipt
	NoticeExpired      NoticeKind = "expired"       // not done within 24 h
	NoticeReplaced     NoticeKind = "replaced"      // an open application was replaced
	NoticeSuspended    NoticeKind = "suspended"     // by lock code
	NoticeSuspected    NoticeKind = "suspected"     // the element went back or was copied
	NoticeSilentSoon   NoticeKind = "silent-soon"   // 10 and 3 days before a silent hold
	NoticeSilent       NoticeKind = "silent"        // held: not seen, or not unlocked
	NoticeResumed      NoticeKind = "resumed"       // a silent hold was lifted by use
	NoticeHeldStill    NoticeKind = "held-still"    // days 1, 14 and 27 of a hold
	NoticeRevoked      NoticeKind = "revoked"       // the phone's certificates ended
	NoticeSignEnded    NoticeKind = "sign-ended"    // signature certificates ended (moved, name changed)
	NoticeCardHeld     NoticeKind = "card-held"     // card reported lost
	NoticeCardResumed  NoticeKind = "card-resumed"  // card found
	NoticeElementMoved NoticeKind = "element-moved" // the same element registered elsewhere
)
