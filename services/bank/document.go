package bank

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tegata/internal/ui"
)

// Occupations are what an applicant may choose (確認事項: 職業).
func Occupations() []string {
	return []string{"employee", "self-employed", "public", "student", "home", "retired", "other"}
}

// Purposes are what an applicant may choose (確認事項: 取引を行う目的).
func Purposes() []string { return []string{"living", "salary", "saving", "remittance", "other"} }

// Taxes are how gains of a securities account are taxed (租税特別措置法 第37条の11の3:
// 特定口座): by the bank, by the customer with the bank's reckoning, or by the customer alone.
func Taxes() []string { return []string{"withheld", "reckoned", "general"} }

// fits says whether the choices are of those that there are.
func (c Choices) fits() bool {
	said := slices.Contains(Occupations(), c.Occupation) && slices.Contains(Purposes(), c.Purpose)
	switch c.Product {
	case Deposit:
		return said && c.Tax == "" && !c.NISA
	case Securities:
		return said && slices.Contains(Taxes(), c.Tax) && !c.Card
	}
	return false
}

var spoken = map[string]string{
	"employee": "会社員・団体職員", "self-employed": "自営業", "public": "公務員", "student": "学生", "home": "家事", "retired": "退職", "other": "その他",
	"living": "生活費の決済", "salary": "給与の受け取り", "saving": "貯蓄", "remittance": "送金",
	"withheld": "特定口座（源泉徴収あり）", "reckoned": "特定口座（源泉徴収なし）", "general": "一般口座",
	"female": "女性", "male": "男性",
}

func word(code string) string {
	if s := spoken[code]; s != "" {
		return s
	}
	return code
}

func yes(b bool, is, not string) string {
	if b {
		return is
	}
	return not
}

// Document is the application as it is put before the person, whole: what they sign is
// what the bank keeps.
func Document(id string, on time.Time, who Attributes, c Choices, minor bool) []byte {
	var b strings.Builder
	line := func(label, value string) { fmt.Fprintf(&b, "%s：%s\n", label, value) }
	title := "普通預金口座 開設申込書"
	if c.Product == Securities {
		title = "証券総合口座 開設申込書"
	}
	b.WriteString(title + "\n手形銀行 御中\n\n")
	line("申込番号", Reference(id))
	line("申込日", ui.Date(ui.JA, on))
	line("氏名", who.Name)
	line("住所", who.Address)
	line("生年月日", ui.Date(ui.JA, who.Born()))
	line("性別", word(who.Gender))
	line("職業", word(c.Occupation))
	line("取引の目的", word(c.Purpose))
	line("外国の重要な公人（外国PEPs）", yes(c.PEP, "該当します", "該当しません"))
	line("税務上の居住地", yes(c.Abroad, "日本以外にもあります", "日本だけです"))
	line("届出印", "なし（印鑑レス）")
	if c.Product == Securities {
		line("譲渡益の課税", word(c.Tax))
		line("NISA口座", yes(c.NISA, "開設を希望します（ほかの金融機関にNISA口座はありません）", "希望しません"))
		b.WriteString("\n値動きのある商品では、元本を割ることがあることを理解しました。\n")
	} else {
		line("キャッシュカード", yes(c.Card, "上の住所へ郵送を希望します", "希望しません"))
	}
	if minor {
		b.WriteString("\n申込者は18歳未満です。親権者が同意書に署名してから審査します。7日以内に同意がなければ、この申し込みは終わります。\n")
	}
	fmt.Fprintf(&b, "\n開設から8日間は、理由なしに取り消せることと、その間に口座から出せるお金が1日に合わせて%sまでであることを理解しました。\n", ui.Yen(ui.JA, CoolingLimit))
	b.WriteString("\n上のとおり口座の開設を申し込みます。口座を他人に譲り渡したり使わせたりしません。\n")
	kind := "an ordinary deposit account"
	if c.Product == Securities {
		kind = "a securities account; I know that investments can lose value"
	}
	b.WriteString("Application for " + kind + ". I will not hand the account to anybody else. For 8 days I can undo the opening.\n")
	return []byte(b.String())
}

// Back is where the application was filled in.
func (d Draft) Back() string { return applyAt(d.Choices.Product) }

// Lines are the document's, for a page.
func (d Draft) Lines() []string {
	return strings.FieldsFunc(string(d.Document), func(c rune) bool { return c == '\n' })
}
