package phone

import "tegata/holder/apdu"

// commandWords says in words what a command asks of a card.
func commandWords(c apdu.Command) (ja, en string) {
	switch {
	case c.INS == apdu.InsSelect && c.P1 == 0x04:
		return "カードに、公的個人認証の機能を開くよう頼みました", "Asked the card to open its JPKI application"
	case c.INS == apdu.InsSelect:
		return "読みたいファイルを選びました", "Chose a file"
	case c.INS == apdu.InsReadBinary:
		return "ファイルの一部を読みました", "Read a part of the file"
	case c.INS == apdu.InsVerify && len(c.Data) == 0:
		return "あと何回入力を試せるかを尋ねました", "Asked how many tries are left"
	case c.INS == apdu.InsVerify:
		return "カードが署名用パスワードを確かめました（内容は伏せています）", "The card compared the password (blanked here)"
	case c.CLA == 0x80 && c.INS == apdu.InsSign:
		return "カードが、カードの中の鍵で署名しました", "The card signed with the key inside it"
	}
	return "カードと通信しました", "Spoke with the card"
}
