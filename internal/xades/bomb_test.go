package xades_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

// The largest and most twisted documents that the limits let through take seconds,
// not minutes: what a stranger sends costs no more than it cost the stranger.
func TestWorkIsBounded(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	var declared, used strings.Builder
	for i := range 100 {
		fmt.Fprintf(&declared, ` xmlns:n%d="urn:%d"`, i, i)
		fmt.Fprintf(&used, ` n%d:a=""`, i)
	}
	list := `<ds:Transforms><ds:Transform Algorithm="` + enveloped + `"/><ds:Transform Algorithm="` + exclusive +
		`"><e:InclusiveNamespaces xmlns:e="` + exclusive + `" PrefixList="n1 n2 n3 n4 n5 n6 n7 n8"/></ds:Transform></ds:Transforms>`
	signature := who.craft(t, signedInfo(rsaSHA256, refer(` URI=""`, list, "")), keyInfo(who))
	deep := func(inside string) string {
		return "<a" + declared.String() + ">" + strings.Repeat("<a>", 90) + inside + strings.Repeat("</a>", 90) + signature + "</a>"
	}
	for name, document := range map[string]string{
		"many elements, deep, below many namespaces": deep(strings.Repeat("<n0:a/>", 95_000)),
		"many attributes of many namespaces":         deep(strings.Repeat("<b"+used.String()+"/>", 1_500)),
		"many short texts":                           deep(strings.Repeat("x<b/>", 48_000)),
		"one long text":                              deep(strings.Repeat("&#38;", 800_000)),
	} {
		start := time.Now()
		if _, err := xades.Signatures([]byte(document), nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
		spent := time.Since(start)
		t.Logf("%s: %d bytes, %v", name, len(document), spent)
		if spent > 20*time.Second {
			t.Errorf("%s: %v", name, spent)
		}
	}
}
