package ra

// A Way is one of the ways to suspend a phone. Each can suspend and nothing else.
type Way string

// The ways.
const (
	ByLockCode Way = "lock-code"
	ByCard     Way = "card" // from another device
)

func (w Way) ja() string {
	return map[Way]string{ByLockCode: "停止コード", ByCard: "カードの届け出"}[w]
}

func (w Way) en() string {
	return map[Way]string{ByLockCode: "lock code", ByCard: "your card"}[w]
}
