# Chooses a penalty with R's cv.glmnet and writes its errors and coefficients, a tab between cells.
#
#     LC_ALL=C Rscript r_cv_glmnet.R TABLE CALL
#
# TABLE is a CSV, whose numbers may be hexadecimal, so that none is rounded: the columns y, w (weights), fold (from 1),
# and features. CALL is of `x`, `y`, `w` and `fold`, such as "cv.glmnet(x, y, weights = w, foldid = fold)".

arguments <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages(library(glmnet))
table <- read.csv(arguments[1], check.names = FALSE)
x <- as.matrix(table[, -(1:3)])
y <- if (is.character(table$y)) factor(table$y) else table$y
w <- table$w
fold <- table$fold
fit <- eval(parse(text = arguments[2]))

write_line <- function(...) cat(paste(c(...), collapse = "\t"), "\n", sep = "")
digits <- function(x) sprintf("%.17g", x)

write_line("R", R.version.string)
write_line("glmnet", as.character(packageVersion("glmnet")))
for (name in c("lambda", "cvm", "cvsd", "lambda.min", "lambda.1se")) write_line(name, digits(fit[[name]]))
for (rule in c("lambda.min", "lambda.1se")) {
  found <- coef(fit, s = rule)
  if (!is.list(found)) found <- list(found)
  for (each in found) write_line(paste("coef", rule), digits(as.numeric(each)))
}
