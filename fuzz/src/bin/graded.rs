#![no_main]
indieval_fuzz::target!(indieval_fuzz::records::graded());
