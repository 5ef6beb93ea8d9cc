"""What folders and columns are called in other languages than English.

Compared as `names.unaccented` writes them, so accents and capitals do not matter here.
"""

from core.data.zips.names import unaccented


def _words(text: str) -> frozenset[str]:
    return frozenset(unaccented(text).split())


TRAIN = _words(
    "trainings trainieren lernen lerndaten entraînement apprentissage entrenamiento entrenar treino"
    " treinamento addestramento allenamento trainen trening treningowy treningowe treningowa uczący uczące"
    " träning treenaus opplæring træning trénovací trénink eğitim latih pelatihan antrenare обучение обучающая"
    " обучающий обучающие тренировка тренировочный тренировочная тренировочные трейн навчання εκπαίδευση אימון"
    " تدريب آموزش 训练 訓練 学习 学習 トレーニング 훈련 학습 트레이닝"
)
VALIDATION = _words(
    "validierung validierungs validación validacion validação validazione validatie walidacja walidacyjny"
    " walidacyjne walidacyjna validering validace doğrulama geçerleme validasi validare валидация"
    " валидационный валидационная валидационные валід валідація επικύρωση تحقق 验证 驗證 検証 バリデーション"
    " 검증"
)
TEST = _words(
    "essai essais prueba pruebas teste testes prova collaudo testowy testowe testowa sınama uji pengujian"
    " testovací тест тестовая тестовый тестовые тестирование тестування δοκιμή τεστ בדיקה מבחן اختبار آزمون"
    " 测试 測試 テスト 試験 테스트 시험"
)
UNLABELLED = _words(
    "vorhersage vorhersagen unbeschriftet prédire prédiction prédictions predicción predicciones predecir"
    " previsão previsione предсказание прогноз неразмеченные 预测 預測 推理 未标注 予測 推論 예측 추론"
)
FILLERS = _words(
    "daten datensatz bilder bild menge fotos données donnee images jeu ensemble échantillon échantillons datos"
    " conjunto imágenes imagen muestra dados imagens amostra dati immagini insieme campione gegevens"
    " afbeeldingen dane zbiór obrazy zdjęcia veri verisi seti kümesi resimler выборка данные набор изображения"
    " картинки фото δεδομένα 集 组 組 用 的 数据 數據 数据集 图片 圖片 图像 圖像 样本 样本集 データ"
    " データセット 画像 セット 写真 세트 셋 데이터 이미지 사진 용 집합"
)
LABELS = _words(  # headers, the names of classes before the numbers that stand for them
    "label etikett klasse klassen klassenname kategorie art sorte étiquette classe catégorie espèce etiqueta"
    " clase categoría especie rótulo categoria espécie classificação etichetta specie klas soort etykieta"
    " klasa kategoria gatunek etiket sınıf tür метка класс категория вид порода мітка клас ετικέτα κλάση"
    " κατηγορία תווית قسم فئة 标签 標籤 类别 類別 类 分类 分類 种类 種類 ラベル クラス カテゴリ カテゴリー"
    " 라벨 레이블 클래스 분류 종류"
)
OTHERS = _words(  # headers of what is no label
    "nr nummer kamera gerät datum zeit breite höhe größe jahr alter geschlecht quelle bemerkung kommentar"
    " appareil caméra largeur hauteur année âge sexe numéro remarque cámara dispositivo fecha hora anchura"
    " ancho altura alto tamaño año edad número fuente câmera data largura tamanho ano idade fotocamera"
    " larghezza altezza anno apparaat breedte hoogte jaar камера дата время ширина высота размер год возраст"
    " номер источник 相机 日期 时间 宽度 高度 大小 年龄 性别 编号 来源 カメラ 日付 時間 幅 高さ サイズ 年齢"
    " 性別 番号 카메라 날짜 시간 너비 높이 크기 나이 성별 번호"
)
