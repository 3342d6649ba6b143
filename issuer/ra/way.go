package ra

// A Way is one of the ways to suspend a phone. Each can suspend and nothing else.
type Way string

// The ways.
const (
	ByLockCode Way = "lock-code"
	ByCard     Way = "card"     // from another device
	ByHolder   Way = "holder"   // logged in at a party with a grant: the portal
	ByHelpdesk Way = "helpdesk" // an agent, for a caller with the four facts or a support number
	ByTrusted  Way = "trusted"  // somebody whom the holder asked to, logged in at the portal
)

func (w Way) ja() string {
	return map[Way]string{ByLockCode: "停止コード", ByCard: "カードの届け出", ByHolder: "ポータルでの操作", ByHelpdesk: "ヘルプデスクへの電話", ByTrusted: "信頼できる人"}[w]
}

func (w Way) en() string {
	return map[Way]string{ByLockCode: "lock code", ByCard: "your card", ByHolder: "your word at the portal", ByHelpdesk: "a call to the helpdesk", ByTrusted: "a person you trust"}[w]
}

// limited says whether the way needs nothing that only the owner has in hand, so that
// its misuse is limited: see limit.go.
func (w Way) limited() bool {
	switch w {
	case ByLockCode, ByHelpdesk, ByTrusted:
		return true
	}
	return false
}
