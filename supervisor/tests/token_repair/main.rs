//! The repair of a node's token against a hub that answers by script: what is no 401 repairs nothing, and nothing that a
//! hub does on the wire holds it up or makes it ask too often.
//! (`cfg(test)` is always set here; clippy wants to see it before it lets tests unwrap.)

#[cfg(test)]
mod answers;
#[cfg(test)]
mod scripted_hub;
