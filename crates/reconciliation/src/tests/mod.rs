mod domain;
mod ties;
