package pay

import (
	"fmt"
	"strings"
	"time"

	"tegata/internal/ui"
)

var spoken = map[string]string{"female": "女性", "male": "男性"}

func inJapanese(word string) string {
	if s := spoken[word]; s != "" {
		return s
	}
	return word
}

// Terms are what the person signs, whole: what they signed is what the wallet keeps.
func Terms(id string, on time.Time, who Attributes, l Limits) []byte {
	var b strings.Builder
	line := func(label, value string) { fmt.Fprintf(&b, "%s：%s\n", label, value) }
	b.WriteString("てがたペイ 利用規約への同意と申し込み\nてがたペイ 御中\n\n")
	line("申込番号", id)
	line("申込日", ui.Date(ui.JA, on))
	line("氏名", who.Name)
	line("住所", who.Address)
	line("生年月日", ui.Date(ui.JA, who.Born()))
	line("性別", inJapanese(who.Gender))
	b.WriteString("\n")
	b.WriteString("1 ウォレットは、おひとり1つです。他人に使わせません。\n")
	b.WriteString("2 チャージは、本人名義の銀行口座からだけです。銀行が口座の名義人を確かめます。\n")
	fmt.Fprintf(&b, "3 チャージは1回%s円、1日%s円まで、支払いは1回%s円、1日%s円まで、残高は%s円までです。\n",
		ui.Number(l.Charge), ui.Number(l.ChargeDay), ui.Number(l.Pay), ui.Number(l.PayDay), ui.Number(l.Balance))
	fmt.Fprintf(&b, "4 %d時から%d時までは、設定を変えないかぎり、お金は動きません。\n", NightFrom, NightTo)
	b.WriteString("5 いつでも、ボタン1つで止められます。止めている間、お金は動きません。\n")
	b.WriteString("6 お店からの返金は、止めている間も夜間も、残高に戻ります。その日の支払いの上限は、返金があっても増えません。\n")
	b.WriteString("7 本人確認の記録は、利用をやめてから7年間保存します。\n\n")
	b.WriteString("上のとおり利用を申し込みます。\n")
	b.WriteString("Application for a wallet. It is for one person, filled from that person's own account alone, and I will not hand it to anybody else.\n")
	return []byte(b.String())
}

// Draft is an application that nobody has signed. It is kept nowhere but with the
// browser's session.
type Draft struct {
	ID       string
	Who      Attributes
	Document []byte
}

// Lines are the document's, for a page.
func (d Draft) Lines() []string {
	return strings.FieldsFunc(string(d.Document), func(c rune) bool { return c == '\n' })
}
