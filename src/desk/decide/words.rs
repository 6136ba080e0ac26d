//! What agents are told when something in their mail cannot be done, in their language.
//!
//! Here and not in the templates because each line belongs to one fault; all other outgoing words are in `mail-templates/`.

use crate::desk::command::Fault;
use crate::language::Language;

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// A command line could not be read.
    Fault(Fault),
    /// There is no text, no attachment and no command.
    Empty,
    /// The ticket has nobody who could read a reply.
    NoReader,
    /// No ticket is named.
    NoTicket,
    /// It replies to mail of the desk's that is about no ticket.
    AnswersDesk,
    /// No such agent.
    NoAgent {
        /// What was written.
        found: String,
        /// The queue's agents.
        known: Vec<String>,
    },
    /// Several agents have the name.
    SeveralAgents {
        /// What was written.
        found: String,
        /// Who they are.
        known: Vec<String>,
    },
    /// No such queue.
    NoQueue {
        /// What was written.
        found: String,
        /// All queues.
        known: Vec<String>,
    },
    /// No such ticket, or none this agent works on.
    NoSuchTicket(i64),
    /// The date is past.
    Past(String),
    /// The address is the desk's own.
    OwnAddress(String),
    /// The address is an agent's, and was to take part as somebody outside.
    IsAgent(String),
    /// The address does not take part.
    NoParticipant {
        /// What was written.
        found: String,
        /// Who does.
        known: Vec<String>,
    },
    /// The bound on participants is reached.
    TooManyParticipants(usize),
    /// The reply has been sent.
    TooLate,
    /// No such canned text.
    NoCanned {
        /// What was written.
        found: String,
        /// All of them.
        known: Vec<String>,
    },
    /// Nothing of the requester's stands in the ticket.
    NothingToSplit,
    /// Nothing is forwarded, and no requester is named.
    NothingForwarded,
    /// What is forwarded is in a ticket already.
    AlreadyThere(i64),
    /// The text is to be public, and something else in the mail makes it a note.
    PublicAndNote,
    /// A command that can stand in a mail once.
    Once([&'static str; 3]),
}

impl Complaint {
    /// One line that says what was wrong and what to write.
    pub fn words(&self, language: Language) -> String {
        let [en, es, pt] = self.all();
        match language {
            Language::En => en,
            Language::Es => es,
            Language::Pt => pt,
        }
    }

    /// Whether the line may be meant for those who read the mail.
    pub(super) fn may_be_text(&self) -> bool {
        matches!(self, Self::Fault(Fault::Unknown { .. } | Fault::Middle { .. } | Fault::Behind { .. }))
    }

    fn all(&self) -> [String; 3] {
        match self {
            Self::Fault(fault) => fault_words(fault),
            Self::Empty => [
                "There was nothing new to send: no text above the quotation, no attachment, no command. Write your text above the quotation, or under #note if only agents are to read it.".into(),
                "No había nada nuevo que enviar: ni texto por encima de la cita, ni adjunto, ni orden. Escriba su texto por encima de la cita, o debajo de #nota si solo han de leerlo agentes.".into(),
                "Não havia nada de novo para enviar: nem texto acima da citação, nem anexo, nem comando. Escreva o texto acima da citação, ou abaixo de #nota se só agentes o devem ler.".into(),
            ],
            Self::NoReader => [
                "This ticket has no requester with an address, so nobody would read the reply. Write #requester ADDRESS first, or #note for a note.".into(),
                "Este ticket no tiene solicitante con dirección: nadie leería la respuesta. Escriba antes #solicitante DIRECCIÓN, o #nota para una nota.".into(),
                "Este ticket não tem solicitante com endereço: ninguém leria a resposta. Escreva antes #solicitante ENDEREÇO, ou #nota para uma nota.".into(),
            ],
            Self::NoTicket => [
                "The mail names no ticket. Reply to a notification, or put the ticket's tag into the subject.".into(),
                "El correo no nombra ningún ticket. Responda a un aviso, o ponga la etiqueta del ticket en el asunto.".into(),
                "O e-mail não indica nenhum ticket. Responda a um aviso, ou coloque a etiqueta do ticket no assunto.".into(),
            ],
            Self::AnswersDesk => [
                "What you replied to belongs to no ticket, so your text has no reader. To answer a ticket, write #show NUMBER and reply to what comes. To ask the desk for something as anybody else does, write a new mail.".into(),
                "Aquello a lo que respondió no pertenece a ningún ticket, así que su texto no tiene lector. Para contestar un ticket, escriba #mostrar NÚMERO y responda a lo que le llegue. Para pedir algo a la mesa como cualquiera, escriba un correo nuevo.".into(),
                "Aquilo a que respondeu não pertence a nenhum ticket, por isso o seu texto não tem leitor. Para responder a um ticket, escreva #mostrar NÚMERO e responda ao que chegar. Para pedir algo à central como qualquer pessoa, escreva um e-mail novo.".into(),
            ],
            Self::NoAgent { found, known } => {
                let known = known.join(", ");
                [
                    format!("There is no agent {found}. The agents of this queue: {known}."),
                    format!("No hay ningún agente {found}. Los agentes de esta cola: {known}."),
                    format!("Não há nenhum agente {found}. Os agentes desta fila: {known}."),
                ]
            }
            Self::SeveralAgents { found, known } => {
                let known = known.join(", ");
                [
                    format!("Several agents are called {found}. Write the address of one: {known}."),
                    format!("Varios agentes se llaman {found}. Escriba la dirección de uno: {known}."),
                    format!("Vários agentes se chamam {found}. Escreva o endereço de um: {known}."),
                ]
            }
            Self::NoQueue { found, known } => {
                let known = known.join(", ");
                [
                    format!("There is no queue {found}. The queues: {known}."),
                    format!("No hay ninguna cola {found}. Las colas: {known}."),
                    format!("Não há nenhuma fila {found}. As filas: {known}."),
                ]
            }
            Self::NoSuchTicket(number) => [
                format!("There is no other ticket {number} that you work on. #list brings you those there are."),
                format!("No hay otro ticket {number} en el que usted trabaje. #lista le trae los que hay."),
                format!("Não há outro ticket {number} em que você trabalhe. #lista traz os que há."),
            ],
            Self::Past(date) => [
                format!("The date is past: {date}. Write a later one, or a span such as 3d."),
                format!("La fecha ya pasó: {date}. Escriba una posterior, o un plazo como 3d."),
                format!("A data já passou: {date}. Escreva uma posterior, ou um prazo como 3d."),
            ],
            Self::OwnAddress(address) => [
                format!("{address} is the desk's own address, which takes part in every ticket. Name somebody else's."),
                format!("{address} es una dirección de la propia mesa de ayuda, que participa en todos los tickets. Indique la de otra persona."),
                format!("{address} é um endereço da própria central de atendimento, que participa de todos os tickets. Indique o de outra pessoa."),
            ],
            Self::IsAgent(address) => [
                format!("{address} is an agent, and this command is for people outside. Write #assign {address}, or let them write #watch."),
                format!("{address} es un agente, y esta orden es para gente de fuera. Escriba #asignar {address}, o que ese agente escriba #seguir."),
                format!("{address} é um agente, e este comando é para pessoas de fora. Escreva #atribuir {address}, ou que esse agente escreva #seguir."),
            ],
            Self::NoParticipant { found, known } => {
                let known = listed(known);
                [
                    format!("{found} does not take part in this ticket. Those who do: {known}."),
                    format!("{found} no participa en este ticket. Participan: {known}."),
                    format!("{found} não participa deste ticket. Participam: {known}."),
                ]
            }
            Self::TooManyParticipants(bound) => [
                format!("A ticket has {bound} participants at most. Take somebody out first with #uncc ADDRESS."),
                format!("Un ticket tiene como máximo {bound} participantes. Quite antes a alguien con #quitarcc DIRECCIÓN."),
                format!("Um ticket tem no máximo {bound} participantes. Tire antes alguém com #tirarcc ENDEREÇO."),
            ],
            Self::NoCanned { found, known } => {
                let known = listed(known);
                [
                    format!("There is no canned answer {found}. There are: {known}."),
                    format!("No hay ninguna respuesta preparada {found}. Hay: {known}."),
                    format!("Não há nenhuma resposta pronta {found}. Há: {known}."),
                ]
            }
            Self::NothingToSplit => [
                "Nothing of the requester's stands in this ticket that could be split off. #new ADDRESS opens another ticket.".into(),
                "En este ticket no hay nada del solicitante que se pueda separar. #nuevo DIRECCIÓN abre otro ticket.".into(),
                "Não há neste ticket nada do solicitante que se possa separar. #novo ENDEREÇO abre outro ticket.".into(),
            ],
            Self::NothingForwarded => [
                "No forwarded mail with a sender was found. Forward the requester's mail with the line #new above it, or name the requester: #new ana@example.org".into(),
                "No se encontró ningún correo reenviado con remitente. Reenvíe el correo del solicitante con la línea #nuevo encima, o nombre al solicitante: #nuevo ana@example.org".into(),
                "Não se encontrou nenhum e-mail encaminhado com remetente. Encaminhe o e-mail do solicitante com a linha #novo em cima, ou indique o solicitante: #novo ana@example.org".into(),
            ],
            Self::AlreadyThere(number) => [
                format!("That mail is in ticket {number} already. #show {number} brings it to you, to be answered by reply."),
                format!("Ese correo ya está en el ticket {number}. #mostrar {number} se lo trae, para contestarlo respondiendo."),
                format!("Esse e-mail já está no ticket {number}. #mostrar {number} traz o ticket, para ser respondido."),
            ],
            Self::PublicAndNote => [
                "#public stands against what makes this mail an internal note: #note, #spam, #forward, #new, the address for notes, or that it is a forwarded mail. Write a reply with one of the two only.".into(),
                "#público contradice lo que hace de este correo una nota interna: #nota, #spam, #reenviar, #nuevo, la dirección de notas, o que es un correo reenviado. Escriba una respuesta con una sola de las dos cosas.".into(),
                "#público contradiz o que faz deste e-mail uma nota interna: #nota, #spam, #encaminhar, #novo, o endereço de notas, ou ser um e-mail encaminhado. Escreva uma resposta com uma só das duas coisas.".into(),
            ],
            Self::Once([en, es, pt]) => [
                format!("#{en} can stand in a mail once. Send another mail for the other."),
                format!("#{es} puede estar una sola vez en un correo. Mande otro correo para la otra."),
                format!("#{pt} só pode estar uma vez num e-mail. Envie outro e-mail para a outra."),
            ],
            Self::TooLate => [
                "No reply of yours waits any more: it has been sent, or was taken back already. What was sent can be put right by another reply only.".into(),
                "Ya no espera ninguna respuesta suya: se ha enviado, o ya se retiró. Lo enviado solo se corrige con otra respuesta.".into(),
                "Já não espera nenhuma resposta sua: foi enviada, ou já foi retirada. O que foi enviado só se corrige com outra resposta.".into(),
            ],
        }
    }
}

/// Names for people, a dash where there are none.
fn listed(known: &[String]) -> String {
    if known.is_empty() { "—".to_owned() } else { known.join(", ") }
}

fn fault_words(fault: &Fault) -> [String; 3] {
    match fault {
        Fault::Unknown { word, near: Some(near) } => [
            format!("There is no command #{word}. Did you mean #{near}?"),
            format!("No hay ninguna orden #{word}. ¿Quiso decir #{near}?"),
            format!("Não há nenhum comando #{word}. Quis dizer #{near}?"),
        ],
        Fault::Unknown { word, near: None } => [
            format!("There is no command #{word}. Write #help to get the list."),
            format!("No hay ninguna orden #{word}. Escriba #ayuda para recibir la lista."),
            format!("Não há nenhum comando #{word}. Escreva #ajuda para receber a lista."),
        ],
        Fault::Argument { word, found, examples: None } => [
            format!("#{word} takes nothing after it, but there was: {found}"),
            format!("#{word} no lleva nada detrás, pero había: {found}"),
            format!("#{word} não leva nada depois, mas havia: {found}"),
        ],
        Fault::Argument { word, found, examples: Some([en, es, pt]) } if found.is_empty() => [
            format!("#{word} needs something after it, for example: {en}"),
            format!("A #{word} le falta algo detrás, por ejemplo: {es}"),
            format!("A #{word} falta algo depois, por exemplo: {pt}"),
        ],
        Fault::Argument { word, found, examples: Some([en, es, pt]) } => [
            format!("#{word} does not understand \"{found}\". Right would be, for example: {en}"),
            format!("#{word} no entiende «{found}». Lo correcto sería, por ejemplo: {es}"),
            format!("#{word} não entende \"{found}\". O correto seria, por exemplo: {pt}"),
        ],
        Fault::Second { word, second } => [
            format!("#{word} and #{second} stand on one line. Each command needs a line of its own."),
            format!("#{word} y #{second} están en la misma línea. Cada orden va en su propia línea."),
            format!("#{word} e #{second} estão na mesma linha. Cada comando vai na sua própria linha."),
        ],
        Fault::Wrapped { word } => [
            format!(
                "The line below #{word} may be the end of it, for mail programs wrap long lines. Leave a blank line between, or write less in one line."
            ),
            format!(
                "La línea debajo de #{word} puede ser su final, pues los programas de correo parten las líneas largas. Deje una línea en blanco entre las dos, o escriba menos en una línea."
            ),
            format!(
                "A linha abaixo de #{word} pode ser o fim dela, pois os programas de e-mail partem as linhas longas. Deixe uma linha em branco entre as duas, ou escreva menos numa linha."
            ),
        ],
        Fault::Behind { word } => [
            format!("Something stands before #{word} on its line. A command begins its line."),
            format!("Hay algo delante de #{word} en su línea. Una orden empieza la línea."),
            format!("Há algo antes de #{word} na sua linha. Um comando começa a linha."),
        ],
        Fault::Middle { word } => [
            format!(
                "The line #{word} stands in the middle of the text. Commands go to the top or to the bottom."
            ),
            format!("La línea #{word} está en medio del texto. Las órdenes van al principio o al final."),
            format!("A linha #{word} está no meio do texto. Os comandos vão no início ou no fim."),
        ],
        Fault::TooMany => {
            let bound = crate::desk::command::COMMANDS_MAX;
            [
                format!("A mail holds {bound} commands at most. Write the others in another."),
                format!("Un correo lleva como máximo {bound} órdenes. Escriba las demás en otro."),
                format!("Um e-mail leva no máximo {bound} comandos. Escreva os outros noutro."),
            ]
        }
    }
}
