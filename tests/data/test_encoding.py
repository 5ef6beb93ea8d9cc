import pytest

from core.data.zips.encoding import guess

CLASSES = [
    ("cp866", "кошка собака"),
    ("cp866", "яблоко груша слива"),
    ("cp866", "КОТ ПЕС"),
    ("cp866", "гриб"),
    ("cp1251", "Кошки Собаки"),
    ("cp932", "犬 猫"),
    ("cp932", "表 十 能"),
    ("cp932", "りんご みかん"),
    ("cp932", "ガラス 紙 金属"),
    ("cp936", "猫 狗"),
    ("cp936", "苹果 香蕉"),
    ("cp936", "垃圾 纸 塑料"),
    ("cp949", "고양이 강아지"),
    ("cp949", "장미 튤립"),
    ("cp949", "종이 플라스틱"),
    ("cp850", "Bäume Häuser"),
    ("cp850", "æble ørn å"),
    ("cp850", "maçã coração"),
    ("cp437", "Äpfel Öl"),
    ("cp437", "niño año"),
    ("cp1252", "café thé"),
    ("cp1252", "ÄPFEL ÖL"),
    ("cp1252", "chien forêt"),
    ("cp850", "chien hôtel"),
    ("cp852", "jabłko gruszka śliwka"),
    ("cp1250", "żółw łoś kość"),
    ("cp1250", "čáp hruška želva"),
    ("cp852", "kočka třešeň řeka"),
    ("cp1250", "hűtő szőlő tehén"),
    ("cp1254", "kuş köpek çiçek ağaç"),
    ("cp857", "kuş köpek çiçek ağaç"),
    ("cp1253", "γάτα σκύλος"),
    ("cp737", "γάτα σκύλος"),
    ("cp1255", "חתול כלב"),
    ("cp862", "חתול כלב"),
    ("cp1256", "قطة كلب"),
    ("cp720", "قطة كلب شجرة"),
    ("cp874", "แมว หมา"),
    ("cp950", "成功 許可 功能"),
]


@pytest.mark.parametrize("file", ["{}.jpg", "IMG_{:04}.JPG"])
@pytest.mark.parametrize(("page", "classes"), CLASSES)
def test_guesses_the_code_page_of_class_names(page, classes, file):
    names = [f"{name}/{file.format(number)}" for name in classes.split() for number in range(4)]
    found = guess(name.encode(page) for name in names)
    assert [name.encode(page).decode(found.code_page) for name in names] == names
    assert found.is_guess


def test_utf8_is_no_guess():
    assert not guess(["犬/1.jpg".encode(), "кошка/2.jpg".encode()]).is_guess
    assert not guess([b"cat/1.jpg"]).is_guess
    assert not guess([]).is_guess


def test_any_bytes_can_be_read():
    for number in range(256):
        page = guess([bytes([number, 255 - number, number]), b"\x81\x00\xff"]).code_page
        assert bytes([number, 255 - number, number]).decode(page)
