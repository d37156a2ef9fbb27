/**
 * One short notice in many languages, so that what the same content costs can be
 * compared. Written for this purpose. Two pieces of code stand beside them.
 */
export const ENGLISH = 'English';

/** By language; each says the same. */
export const SAMPLES: Readonly<Record<string, string>> = {
  English:
    'The library opens at nine in the morning and closes at six in the evening. Anyone may read here without a card, but only members can borrow books. A book can be kept for three weeks. If nobody else is waiting for it, you can keep it for two more weeks. Please return books on time, and tell us if a page is damaged. On Saturdays we read stories to children in the small hall.',
  German:
    'Die Bibliothek öffnet um neun Uhr morgens und schließt um sechs Uhr abends. Jeder darf hier ohne Ausweis lesen, aber nur Mitglieder können Bücher ausleihen. Ein Buch kann drei Wochen behalten werden. Wenn niemand sonst darauf wartet, können Sie es zwei weitere Wochen behalten. Bitte geben Sie Bücher pünktlich zurück, und sagen Sie uns, wenn eine Seite beschädigt ist. Samstags lesen wir Kindern im kleinen Saal Geschichten vor.',
  French:
    'La bibliothèque ouvre à neuf heures du matin et ferme à six heures du soir. Tout le monde peut lire ici sans carte, mais seuls les membres peuvent emprunter des livres. Un livre peut être gardé trois semaines. Si personne d’autre ne l’attend, vous pouvez le garder deux semaines de plus. Merci de rendre les livres à temps et de nous dire si une page est abîmée. Le samedi, nous lisons des histoires aux enfants dans la petite salle.',
  Spanish:
    'La biblioteca abre a las nueve de la mañana y cierra a las seis de la tarde. Cualquiera puede leer aquí sin carné, pero solo los socios pueden llevarse libros. Un libro se puede tener tres semanas. Si nadie más lo espera, puede tenerlo dos semanas más. Por favor, devuelva los libros a tiempo y avísenos si una página está dañada. Los sábados leemos cuentos a los niños en la sala pequeña.',
  Portuguese:
    'A biblioteca abre às nove da manhã e fecha às seis da tarde. Qualquer pessoa pode ler aqui sem cartão, mas só os sócios podem levar livros emprestados. Um livro pode ficar com você por três semanas. Se ninguém mais estiver esperando por ele, você pode ficar com ele por mais duas semanas. Por favor, devolva os livros no prazo e avise-nos se uma página estiver danificada. Aos sábados lemos histórias para crianças na sala pequena.',
  Italian:
    'La biblioteca apre alle nove del mattino e chiude alle sei di sera. Chiunque può leggere qui senza tessera, ma solo gli iscritti possono prendere libri in prestito. Un libro si può tenere tre settimane. Se nessun altro lo aspetta, si può tenere altre due settimane. Vi preghiamo di restituire i libri in tempo e di dirci se una pagina è rovinata. Il sabato leggiamo storie ai bambini nella sala piccola.',
  Dutch:
    'De bibliotheek gaat om negen uur ’s ochtends open en sluit om zes uur ’s avonds. Iedereen mag hier zonder pas lezen, maar alleen leden kunnen boeken lenen. Een boek mag drie weken worden gehouden. Als niemand anders erop wacht, mag u het nog twee weken houden. Breng boeken alstublieft op tijd terug en zeg het ons als een bladzijde beschadigd is. Op zaterdag lezen we in de kleine zaal verhalen voor aan kinderen.',
  Polish:
    'Biblioteka otwiera się o dziewiątej rano i zamyka o szóstej wieczorem. Każdy może tu czytać bez karty, ale tylko członkowie mogą wypożyczać książki. Książkę można zatrzymać na trzy tygodnie. Jeśli nikt inny na nią nie czeka, można ją zatrzymać jeszcze na dwa tygodnie. Prosimy oddawać książki na czas i powiedzieć nam, jeśli strona jest uszkodzona. W soboty czytamy dzieciom opowiadania w małej sali.',
  Turkish:
    'Kütüphane sabah dokuzda açılır ve akşam altıda kapanır. Burada herkes kartsız okuyabilir, ama yalnızca üyeler kitap ödünç alabilir. Bir kitap üç hafta tutulabilir. Onu bekleyen başka biri yoksa iki hafta daha tutabilirsiniz. Lütfen kitapları zamanında geri getirin ve bir sayfa zarar görmüşse bize söyleyin. Cumartesi günleri küçük salonda çocuklara hikâyeler okuyoruz.',
  Vietnamese:
    'Thư viện mở cửa lúc chín giờ sáng và đóng cửa lúc sáu giờ tối. Ai cũng có thể đọc ở đây mà không cần thẻ, nhưng chỉ thành viên mới được mượn sách. Một cuốn sách có thể giữ trong ba tuần. Nếu không có ai khác đang chờ, bạn có thể giữ thêm hai tuần nữa. Xin hãy trả sách đúng hạn và báo cho chúng tôi nếu có trang bị hỏng. Vào thứ bảy, chúng tôi đọc truyện cho trẻ em ở phòng nhỏ.',
  Russian:
    'Библиотека открывается в девять часов утра и закрывается в шесть часов вечера. Читать здесь может любой без билета, но брать книги на дом могут только читатели с билетом. Книгу можно держать три недели. Если её никто больше не ждёт, её можно держать ещё две недели. Пожалуйста, возвращайте книги вовремя и сообщайте нам, если страница повреждена. По субботам мы читаем детям рассказы в малом зале.',
  Ukrainian:
    'Бібліотека відчиняється о дев’ятій ранку і зачиняється о шостій вечора. Читати тут може кожен без квитка, але брати книжки додому можуть лише члени бібліотеки. Книжку можна тримати три тижні. Якщо на неї ніхто більше не чекає, її можна тримати ще два тижні. Будь ласка, повертайте книжки вчасно і повідомляйте нас, якщо сторінку пошкоджено. По суботах ми читаємо дітям оповідання в малій залі.',
  Greek:
    'Η βιβλιοθήκη ανοίγει στις εννέα το πρωί και κλείνει στις έξι το απόγευμα. Ο καθένας μπορεί να διαβάσει εδώ χωρίς κάρτα, αλλά μόνο τα μέλη μπορούν να δανειστούν βιβλία. Ένα βιβλίο μπορεί να κρατηθεί τρεις εβδομάδες. Αν δεν το περιμένει κανείς άλλος, μπορείτε να το κρατήσετε δύο εβδομάδες ακόμη. Παρακαλούμε επιστρέφετε τα βιβλία στην ώρα τους και πείτε μας αν μια σελίδα έχει φθαρεί. Τα Σάββατα διαβάζουμε ιστορίες στα παιδιά στη μικρή αίθουσα.',
  Arabic:
    'تفتح المكتبة في التاسعة صباحا وتغلق في السادسة مساء. يمكن لأي شخص أن يقرأ هنا دون بطاقة، لكن الأعضاء وحدهم يستطيعون استعارة الكتب. يمكن الاحتفاظ بالكتاب ثلاثة أسابيع. وإذا لم يكن أحد آخر ينتظره فيمكنك الاحتفاظ به أسبوعين آخرين. نرجو إعادة الكتب في موعدها وإخبارنا إذا كانت صفحة تالفة. في أيام السبت نقرأ القصص للأطفال في القاعة الصغيرة.',
  Hebrew:
    'הספרייה נפתחת בתשע בבוקר ונסגרת בשש בערב. כל אחד יכול לקרוא כאן בלי כרטיס, אבל רק חברים יכולים לשאול ספרים. אפשר להחזיק ספר שלושה שבועות. אם אף אחד אחר לא מחכה לו, אפשר להחזיק אותו עוד שבועיים. נא להחזיר ספרים בזמן ולומר לנו אם דף ניזוק. בשבתות אנחנו קוראים סיפורים לילדים באולם הקטן.',
  Hindi:
    'पुस्तकालय सुबह नौ बजे खुलता है और शाम छह बजे बंद होता है। यहाँ कोई भी बिना कार्ड के पढ़ सकता है, लेकिन केवल सदस्य ही किताबें घर ले जा सकते हैं। एक किताब तीन सप्ताह तक रखी जा सकती है। यदि कोई और उसका इंतज़ार नहीं कर रहा है, तो आप उसे दो सप्ताह और रख सकते हैं। कृपया किताबें समय पर लौटाएँ और कोई पन्ना खराब हो तो हमें बताएँ। शनिवार को हम छोटे हॉल में बच्चों को कहानियाँ सुनाते हैं।',
  Thai: 'ห้องสมุดเปิดเก้าโมงเช้าและปิดหกโมงเย็น ทุกคนอ่านหนังสือที่นี่ได้โดยไม่ต้องมีบัตร แต่เฉพาะสมาชิกเท่านั้นที่ยืมหนังสือได้ หนังสือหนึ่งเล่มยืมได้สามสัปดาห์ ถ้าไม่มีใครรออยู่ คุณเก็บไว้ต่อได้อีกสองสัปดาห์ กรุณาคืนหนังสือให้ตรงเวลา และบอกเราถ้ามีหน้าใดเสียหาย ทุกวันเสาร์เราอ่านนิทานให้เด็กฟังในห้องโถงเล็ก',
  Chinese:
    '图书馆早上九点开门，晚上六点关门。任何人都可以不用证件在这里看书，但只有会员才能借书。一本书可以借三个星期。如果没有别人在等，可以再借两个星期。请按时还书，如果有书页损坏，请告诉我们。每星期六我们在小厅里给孩子们讲故事。',
  Japanese:
    '図書館は朝九時に開き、夕方六時に閉まります。ここではだれでもカードなしで本を読めますが、本を借りられるのは会員だけです。本は三週間借りることができます。ほかに待っている人がいなければ、さらに二週間借りられます。本は期限までに返し、破れたページがあれば知らせてください。土曜日には小さなホールで子どもたちにお話を読んでいます。',
  Korean:
    '도서관은 아침 아홉 시에 문을 열고 저녁 여섯 시에 문을 닫습니다. 누구나 카드 없이 여기에서 책을 읽을 수 있지만, 책을 빌리는 것은 회원만 할 수 있습니다. 책 한 권은 삼 주 동안 빌릴 수 있습니다. 다른 사람이 기다리지 않으면 이 주 더 빌릴 수 있습니다. 책은 제때 돌려주시고, 찢어진 쪽이 있으면 알려 주세요. 토요일에는 작은 홀에서 아이들에게 이야기를 읽어 줍니다.',
};

/** By programming language. */
export const CODE_SAMPLES: Readonly<Record<string, string>> = {
  TypeScript: `export function dueDate(borrowed: Date, extended: boolean): Date {
  const weeks = extended ? 5 : 3;
  const due = new Date(borrowed);
  due.setDate(due.getDate() + 7 * weeks);
  return due;
}
`,
  Python: `def due_date(borrowed: date, extended: bool) -> date:
    """The day on which a book must be back."""
    weeks = 5 if extended else 3
    return borrowed + timedelta(weeks=weeks)
`,
};
