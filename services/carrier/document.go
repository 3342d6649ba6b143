package carrier

import (
	"fmt"
	"strings"
	"time"

	"tegata/internal/ui"
)

// paper is a document as it is put before the person, whole: what they sign is what the
// carrier keeps.
type paper struct{ strings.Builder }

func (p *paper) line(label, value string) { fmt.Fprintf(p, "%s：%s\n", label, value) }

// begin is how every document begins: which it is, and whose.
func (p *paper) begin(title, label, id string, at time.Time, who Attributes) {
	p.WriteString(title + "\n手形モバイル 御中\n\n")
	p.line(label, id)
	p.line("申込日", ui.Date(ui.JA, at))
	p.line("氏名", who.Name)
	p.line("住所", who.Address)
	p.line("生年月日", ui.Date(ui.JA, who.Born()))
}

func yes(b bool, is, not string) string {
	if b {
		return is
	}
	return not
}

// contract is the whole contract.
func contract(id string, at time.Time, who Attributes, c Choices, plan Plan, minor bool) []byte {
	var p paper
	p.begin("携帯電話回線 契約書", "契約番号", id, at, who)
	p.line("プラン", plan.Name)
	p.line("月額料金（税込）", yen(plan.Price))
	p.line("データ量", fmt.Sprintf("毎月 %d GB", plan.Gigabytes))
	p.line("音声通話", yes(plan.Voice, "できます", "できません（データ専用）"))
	p.line("契約期間", yes(plan.Months == 0, "定めません（いつでも解約を申し込めます）", fmt.Sprintf("%dか月", plan.Months)))
	p.line("解約金", yen(plan.Fee))
	p.line("番号を持ったほかの会社への乗り換え（MNP）", yes(plan.Portable(), "できます（手数料 0円）", "できません（データ専用の番号）"))
	p.line("フィルタリング", yes(c.Filter, "利用します"+yes(minor, "（18歳未満のため必ず）", ""), "利用しません"))
	p.line("お知らせのメールアドレス", yes(c.Mail != "", c.Mail, "なし"))
	p.line("eSIM", "この署名に使ったスマートフォンの鍵に結び付けます。スマートフォンに入れるときに、同じ鍵でもう一度署名します")
	p.line("eSIM の再発行・乗り換え・解約", "署名した申し込みから24時間たってから行います。その間、元の SIM と上のアドレスから止められます")
	if minor {
		p.WriteString("\n契約する者は18歳未満です。親権者が同意書に署名してから開通します。7日以内に同意がなければ、この契約は成立しません。\n")
	}
	p.WriteString("\n上のとおり回線を契約します。回線を他人に譲り渡したり使わせたりしません。\n")
	p.WriteString("Contract for a mobile line. I will not hand the line to anybody else.\n")
	return []byte(p.String())
}

// request is the whole request for a change.
func request(id string, at time.Time, who Attributes, l Line, k Kind) []byte {
	var p paper
	title := map[Kind][2]string{
		Reissue:  {"eSIM 再発行 申込書", "Request for a new eSIM. The eSIM in use stops working."},
		PortOut:  {"番号ポータビリティ（MNP転出） 申込書", "Request to take this number to another carrier."},
		Unfreeze: {"SIM 変更の凍結 解除申込書", "Request to lift the freeze on changes of the SIM."},
		EndLine:  {"携帯電話回線 解約申込書", "Request to end the contract. The number and the eSIM are given up for good."},
	}[k]
	p.begin(title[0], "受付番号", id, at, who)
	p.line("電話番号", l.Number)
	p.line("契約番号", l.ID)
	switch k {
	case Reissue:
		p.line("すること", "新しい eSIM を発行し、この署名に使ったスマートフォンの鍵に結び付けます。入れるときに、同じ鍵でもう一度署名します。いまの eSIM は使えなくなります")
	case PortOut:
		p.line("すること", "ほかの会社へ番号を移すための予約番号を発行します。手数料は 0円です")
	case Unfreeze:
		p.line("すること", "eSIM の再発行・乗り換え・解約を、また申し込めるようにします")
	case EndLine:
		p.line("すること", "回線の契約を終わりにします。番号と eSIM は使えなくなり、元には戻せません")
		p.line("解約金", yen(l.Plan().Fee))
	}
	p.line("いつ", "署名から24時間たってから。その間、いまの SIM とお知らせのメールから止められます")
	p.WriteString("\n上のとおり申し込みます。\n" + title[1] + "\n")
	return []byte(p.String())
}

// installation is the whole request to put a profile into a phone. It names the phone by
// the beginning of what the page shows of it.
func installation(id string, at time.Time, who Attributes, l Line, phone Token) []byte {
	var p paper
	p.begin("eSIM 設定 申込書", "受付番号", id, at, who)
	p.line("電話番号", l.Number)
	p.line("eSIM（ICCID）", l.SIM.ICCID)
	p.line("入れるスマートフォンの番号", phone.Short())
	p.line("すること", "この eSIM を、上の番号のスマートフォンに入れます。電話と SMS は、そこに届きます")
	p.line("いつ", "署名してすぐ。eSIM を結び付けた鍵での署名だけを受け付けます")
	p.WriteString("\n上の番号が、手もとのスマートフォンの画面の番号と違うときは、署名しないでください。\n上のとおり申し込みます。\nPut this eSIM into the phone of that number. Calls and SMS go there. Do not sign when it is not the number on the phone in your hand.\n")
	return []byte(p.String())
}

func yen(n int64) string {
	if n >= 1000 {
		return fmt.Sprintf("%d,%03d円", n/1000, n%1000)
	}
	return fmt.Sprintf("%d円", n)
}

// Lines are the document's, for a page.
func (d Draft) Lines() []string { return linesOf(d.Document) }

// Lines are those of what was signed.
func (l Line) Lines() []string { return linesOf(l.Document) }

// Lines are those of what was signed.
func (c Change) Lines() []string { return linesOf(c.Document) }

func linesOf(document []byte) []string {
	return strings.FieldsFunc(string(document), func(c rune) bool { return c == '\n' })
}

// fileName and purpose are of the document when it is brought.
func (d Draft) fileName() string {
	switch d.Kind {
	case "":
		return "contract.txt"
	case Agree:
		return "consent.txt"
	}
	return "request.txt"
}

// facts are the scopes of the login in which it is signed: a guardian's facts are of that one.
// Whoever signs for themselves gave theirs before, and the certificate has the name.
func (d Draft) facts() []string {
	if d.Kind == Agree {
		return facts
	}
	return nil
}

func (d Draft) purpose() string {
	switch d.Kind {
	case "":
		return SignPurpose
	case Agree:
		return ConsentPurpose
	}
	return ChangePurpose
}
